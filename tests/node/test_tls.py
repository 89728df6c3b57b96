#!/usr/bin/env python3
"""TLS, and listening beyond loopback: refused without it, served with it. 127.0.0.2 stands for an address of the outside."""
import http.client
import os
import socket
import ssl
import subprocess

from harness import TOP, Instance, read_answer, tap

NAME, ADDRESS = "stemedb.test", "127.0.0.2"
OUTSIDE = "192.0.2.1"  # nobody's (RFC 5737), and never bound here
node = Instance(start=False)


def render(**options):
    """Writes nginx's configuration for these options; status and what was said."""
    with open(node.path("stemedb.conf"), "w") as f:
        f.writelines(f"{name} = {value}\n" for name, value in options.items())
    run = subprocess.run([os.path.join(TOP, "scripts", "nginx.sh"), "render", node.home], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return run.returncode, run.stdout


def make_certificate():
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=" + NAME, "-addext", f"subjectAltName=DNS:{NAME},IP:{ADDRESS}",
                    "-keyout", node.path("key.pem"), "-out", node.path("cert.pem")],
                   check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def call(path, port, version=None, name=NAME):
    """By HTTPS, as a client that trusts nothing but the certificate; answer, version, cipher, certificate."""
    context = ssl.create_default_context(cafile=node.path("cert.pem"))
    if version:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # else this side would already refuse
        context.minimum_version = context.maximum_version = version
    with context.wrap_socket(socket.create_connection((ADDRESS, port), timeout=20), server_hostname=name) as s:
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n".encode())
        response = http.client.HTTPResponse(s)
        response.begin()
        return read_answer(response), s.version(), s.cipher()[0], s.getpeercert()


@tap.case("an address beyond loopback without TLS or without tokens is refused, in words")
def _():
    make_certificate()
    tls = {"tls_certificate": "cert.pem", "tls_key": node.path("key.pem")}
    status, said = render(listen_address=OUTSIDE)
    tap.equal(status, 1)
    tap.contains(said, f"listen_address = {OUTSIDE} is beyond this machine, and lacks tls_certificate and tls_key")
    tap.contains(said, "and tokens, by `stemedb token add`")
    status, said = render(listen_address="127.0.0.2 ::", **tls)
    tap.equal(status, 1)
    tap.contains(said, "listen_address = :: is beyond this machine, and lacks tokens, by `stemedb token add`")
    with open(node.path("tokens"), "w") as f:
        f.write("# there are some\n")
    status, said = render(listen_address=OUTSIDE)
    tap.equal((status, "lacks tls_certificate" in said, "lacks tokens" in said), (1, True, False), said)
    tap.equal(render(listen_address=OUTSIDE, **tls)[0], 0)
    os.remove(node.path("tokens"))
    tap.equal(render(listen_address=OUTSIDE, listen_unprotected="yes")[0], 0)
    tap.equal(render(listen_address="127.0.0.2")[0], 0)


@tap.case("what is no address or no certificate is refused, in words")
def _():
    for options, words in (
            ({"listen_address": "127.0.0.2; }"}, "IP addresses are expected"),
            ({"tls_key": "key.pem"}, "belong together"),
            ({"tls_certificate": "cert.pem", "tls_key": "none.pem"}, "cannot be read by the user"),
            ({"tls_certificate": "a;b", "tls_key": "key.pem"}, "tls_certificate = ")):
        status, said = render(**options)
        tap.equal((status, words in said), (1, True), f"{options}: {said}")


@tap.case("a self-signed certificate serves API and dashboard, from TLS 1.2 on, and this machine's own tools as before")
def _():
    node.options.update({"listen_address": ADDRESS, "host_names": NAME, "tls_certificate": "cert.pem", "tls_key": "key.pem"})
    node.write_options()
    node.start()
    answer, version, _, _ = call("/v1/health", node.api_port)
    tap.equal((answer.status, answer.json["status"], version), (200, "healthy", "TLSv1.3"))
    tap.ok("strict-transport-security" not in answer.headers, answer)  # docs/security.md says why
    tap.equal(call("/v1/health", node.api_port, name=ADDRESS)[0].status, 200)
    answer, version, cipher, _ = call("/", node.dashboard_port, ssl.TLSVersion.TLSv1_2)
    tap.equal((answer.status, version, cipher.startswith("ECDHE-")), (200, "TLSv1.2", True), cipher)
    tap.contains(answer.headers["content-security-policy"], "default-src 'none'")
    for old in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        try:
            call("/v1/health", node.api_port, old)
            raise AssertionError(f"{old} is served")
        except (ssl.SSLError, ConnectionError):
            pass
    tap.equal(node.get("/v1/health").status, 200)
    plain = http.client.HTTPConnection(ADDRESS, node.api_port, timeout=20)
    plain.request("GET", "/v1/health", headers={"Host": NAME})
    answer = read_answer(plain.getresponse())
    plain.close()
    tap.equal((answer.status, answer.headers["content-type"], answer.json["detail"]),
              (400, "application/problem+json", "this address speaks HTTPS"))


@tap.case("a new certificate is taken up by a reload")
def _():
    def serial():
        return call("/v1/health", node.api_port)[3]["serialNumber"]
    before = serial()
    make_certificate()
    tap.equal(node.script("reload").returncode, 0)

    def renewed():
        try:
            return serial() != before
        except ssl.SSLError:  # the old one still, which the client does not trust any more
            return False
    tap.wait_for(renewed, "the new certificate")


if __name__ == "__main__":
    tap.run(finish=node.close, on_failure=node.log)
