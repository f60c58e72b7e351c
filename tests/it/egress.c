/* Loaded before the C library by the test of F48: writes down where a process connects to, and what it looks up. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void note(const char *what, const char *host, int port)
{
    FILE *log = fopen(getenv("EGRESS_LOG"), "a");
    if (log) {
        fprintf(log, "%s %s %d\n", what, host, port);
        fclose(log);
    }
}

static void note_address(const struct sockaddr *to)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (to && to->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)to;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        note("connect", host, ntohs(v4->sin_port));
    } else if (to && to->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)to;
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        note("connect", host, ntohs(v6->sin6_port));
    }
}

int connect(int socket, const struct sockaddr *to, socklen_t length)
{
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    note_address(to);
    return real(socket, to, length);
}

ssize_t sendto(int socket, const void *octets, size_t count, int flags, const struct sockaddr *to, socklen_t length)
{
    ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
    note_address(to);
    return real(socket, octets, count, flags, to, length);
}

ssize_t sendmsg(int socket, const struct msghdr *message, int flags)
{
    ssize_t (*real)(int, const struct msghdr *, int) = dlsym(RTLD_NEXT, "sendmsg");
    note_address(message->msg_name);
    return real(socket, message, flags);
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    note("lookup", host ? host : "?", 0);
    return real(host, service, hints, found);
}
