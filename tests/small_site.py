"""A site of a few rules on loopback, for servers that behave as no good one would."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """A site of a few rules: path -> (status, headers, body), in turn where there are several."""

    def __init__(self, pages):
        self.pages = {path: list(answers) for path, answers in pages.items()}
        self.asked = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_GET(self):
                outer.asked.append(self.path)
                answers = outer.pages.get(self.path, [(404, {}, b"none")])
                status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
                if status == 0:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                # A length of its own is a wrong one: the connection ends in the middle.
                self.close_connection = "Content-Length" in headers

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *reason):
        self.server.shutdown()
        self.server.server_close()
