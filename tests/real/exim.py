"""Debian's Exim as a mail server: STARTTLS and TLS, users who sign in, and a folder of what it accepted."""

from __future__ import annotations

import os
import smtplib
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from tests.real.installing import debian
from tests.real.programs import Program, free_port
from tests.support.certificates import with_private_ca

USER, PASSWORD = "relay", "correct horse battery"
LARGEST = 4 << 20

# {folder}, {port}, {tls_port}, {largest}. Recipients of example.com exist but `nobody`, `full` is asked to wait.
_CONFIG = """
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
pid_file_path = {folder}/exim.pid
primary_hostname = mail.example.com
local_interfaces = 127.0.0.1.{port} : 127.0.0.1.{tls_port}
tls_on_connect_ports = {tls_port}
tls_advertise_hosts = *
tls_certificate = {folder}/server.pem
tls_privatekey = {folder}/server.pem
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
acl_smtp_rcpt = recipient
message_size_limit = {largest}
keep_environment =

begin acl
recipient:
  deny    !authenticated = *
          message = Sign in first
  deny    local_parts = nobody
          message = No such mailbox
  defer   local_parts = full
          message = The mailbox is full
  accept  domains = example.com
  deny    message = No relaying

begin routers
kept:
  driver = accept
  transport = folder

begin transports
folder:
  driver = appendfile
  directory = {folder}/mails
  create_directory
  user = {user}
  envelope_to_add
  return_path_add

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{name}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
"""


class Exim(Program):
    """An Exim on two free ports: `port` with STARTTLS, `tls_port` with TLS from the start."""

    def start(self) -> Exim:
        program = debian("exim4", "exim4-daemon-light")
        self.tls_port = free_port()
        with_private_ca(self.folder)
        # Exim gives up root as soon as it can, and never delivers as root.
        user = os.geteuid() or "Debian-exim"
        values = {"user": user, "name": USER, "password": PASSWORD, "largest": LARGEST}
        text = _CONFIG.format(folder=self.folder, port=self.port, tls_port=self.tls_port, **values)
        (self.folder / "exim.conf").write_text(text)
        for name in ("mails", "spool"):
            (self.folder / name).mkdir()
        for path in (self.folder, *self.folder.iterdir()):
            path.chmod(0o777 if path.is_dir() else 0o644)
        words = [program, "-C", str(self.folder / "exim.conf"), "-bdf"]
        self.run(words, os.environ, self._greets)
        return self

    @property
    def authority(self) -> Path:
        """The certificate that signs the server's."""
        return self.folder / "own-ca.pem"

    def mails(self) -> list[EmailMessage]:
        """What it has delivered, with `Envelope-to` and `Return-path`."""
        files = sorted((self.folder / "mails").glob("q*"), key=lambda file: file.stat().st_mtime_ns)
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]

    def _greets(self) -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=5) as one:
                return one.noop()[0] == 250
        except OSError:
            return False
