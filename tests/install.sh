#!/bin/sh
# Installs what the tests need and this machine lacks: Dovecot and Postfix, the real servers of the whole way,
# openssl for their certificate, python3 to read our mails with another parser, poppler to read our PDF, strace and a file system for faults of
# the disk. Debian and Ubuntu packages; the servers are never started as services.
set -eu

missing=""
need() { [ -x "$1" ] || command -v "$(basename "$1")" >/dev/null 2>&1 || missing="$missing $2"; }
need /usr/sbin/dovecot dovecot-core
need /usr/lib/dovecot/imap dovecot-imapd
need /usr/sbin/postfix postfix
need /usr/bin/openssl openssl
need /usr/bin/python3 python3
need /usr/bin/strace strace
need /usr/bin/pdftotext "poppler-utils poppler-data"
need /usr/sbin/mkfs.ext4 e2fsprogs
[ -z "$missing" ] && exit 0

echo "installing:$missing"
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo"
# No questions, no mail system of its own, and no daemon started by the package.
export DEBIAN_FRONTEND=noninteractive
printf 'postfix postfix/main_mailer_type select No configuration\n' | $as_root debconf-set-selections
guard=/usr/sbin/policy-rc.d
made=""
if [ ! -e "$guard" ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$guard" >/dev/null
    $as_root chmod 755 "$guard"
    made=yes
fi
status=0
{ $as_root apt-get update -q && $as_root apt-get install -y -q --no-install-recommends $missing; } || status=$?
[ -z "$made" ] || $as_root rm -f "$guard"
exit $status
