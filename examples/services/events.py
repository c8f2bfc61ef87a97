#!/usr/bin/env python3
"""A service that sends an event a second (text/event-stream) to whoever listens:  events.py PORT [SECONDS]"""

import http.server
import sys
import time

PAUSE = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0


class Events(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            for number in range(1_000_000):
                self.wfile.write(f"id: {number}\ndata: it is {time.strftime('%H:%M:%S')}\n\n".encode())
                time.sleep(PAUSE)
        except OSError:
            print("nobody listens any more", flush=True)


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Events).serve_forever()
