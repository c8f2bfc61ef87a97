#!/usr/bin/env python3
"""A WebSocket service (RFC 6455) that sends every message back:  websocket_echo.py PORT"""

import base64
import hashlib
import socketserver
import struct
import sys


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        self.rfile.readline()
        fields = {}
        while (line := self.rfile.readline().strip()):
            name, _, value = line.decode("latin-1").partition(":")
            fields[name.lower()] = value.strip()
        if fields.get("upgrade", "").lower() != "websocket":
            self.wfile.write(b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n"
                             b"Content-Length: 0\r\n\r\n")
            return
        digest = hashlib.sha1((fields["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n")
        while self.echo_frame():
            pass

    def echo_frame(self):
        """False after the last one."""
        head = self.rfile.read(2)
        if len(head) < 2:
            return False
        kind, size = head[0] & 15, head[1] & 127
        if size == 126:
            size = struct.unpack(">H", self.rfile.read(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.rfile.read(8))[0]
        mask = self.rfile.read(4)
        data = bytes(byte ^ mask[i & 3] for i, byte in enumerate(self.rfile.read(size)))
        if kind == 9:  # ping
            head = bytes([head[0] & 0xF0 | 10])
        length = (bytes([size]) if size < 126 else
                  struct.pack(">BH", 126, size) if size < 65536 else struct.pack(">BQ", 127, size))
        self.wfile.write(head[:1] + length + data)
        return kind != 8  # close


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
