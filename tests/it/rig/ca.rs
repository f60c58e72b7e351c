//! A certificate authority of a day's life, and a server certificate by it.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::daemon;

/// Makes `ca.pem`, `server.pem` and `server.key` in `folder`, and returns the first.
pub fn make(folder: &Path, host: &str) -> Vec<u8> {
    let common = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    openssl(folder, &format!("req -x509 {common} -keyout ca.key -out ca.pem -subj /CN=rig-ca"));
    openssl(
        folder,
        &format!(
            "req -x509 {common} -CA ca.pem -CAkey ca.key -keyout server.key -out server.pem -subj /CN={host} \
             -addext subjectAltName=DNS:{host} -addext basicConstraints=critical,CA:FALSE \
             -addext extendedKeyUsage=serverAuth"
        ),
    );
    fs::read(folder.join("ca.pem")).unwrap()
}

fn openssl(folder: &Path, arguments: &str) {
    let program = daemon::installed(&["/usr/bin/openssl"], "openssl");
    let mut command = Command::new(program);
    command.current_dir(folder).args(arguments.split_whitespace());
    daemon::output(&mut command).unwrap();
}
