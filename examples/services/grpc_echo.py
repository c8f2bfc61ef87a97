#!/usr/bin/env python3
"""A gRPC service that sends back what it gets, and a client (pip install grpcio):

    grpc_echo.py serve PORT
    grpc_echo.py call HOST:PORT
"""

import sys
from concurrent import futures

import grpc


class Echo(grpc.GenericRpcHandler):
    METHODS = {
        "/shop.Echo/Unary": grpc.unary_unary_rpc_method_handler(lambda request, context: request),
        "/shop.Echo/Many": grpc.unary_stream_rpc_method_handler(
            lambda request, context: (request + b" %d" % i for i in range(3))),
    }

    def service(self, details):
        return self.METHODS.get(details.method)


def serve(port):
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((Echo(),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


def call(address):
    channel = grpc.insecure_channel(address)
    print("Unary:", channel.unary_unary("/shop.Echo/Unary")(b"hello", timeout=5))
    print("Many:", list(channel.unary_stream("/shop.Echo/Many")(b"hello", timeout=5)))
    try:
        channel.unary_unary("/shop.Echo/Other")(b"hello", timeout=5)
    except grpc.RpcError as error:
        print("Other:", error.code().name, "-", error.details())


{"serve": serve, "call": call}[sys.argv[1]](sys.argv[2])
