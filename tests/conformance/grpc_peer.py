"""A gRPC service and client (grpcio), for grpc_test.cc.

    grpc_peer.py serve PORT         serves shop.Echo until it is ended
    grpc_peer.py call ADDRESS       calls every kind of method through ADDRESS, prints a line for each: name, result
"""

import sys
import time
from concurrent import futures

import grpc


def fail(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "no such order")


def unary(request, context):
    context.set_trailing_metadata((("x-trail", "t"),))
    return request


class Echo(grpc.GenericRpcHandler):
    METHODS = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Fail": grpc.unary_unary_rpc_method_handler(fail),
        "Slow": grpc.unary_unary_rpc_method_handler(lambda request, context: (time.sleep(2), request)[1]),
        "Many": grpc.unary_stream_rpc_method_handler(lambda request, context: (request + b"%d" % i for i in range(5))),
        "Sum": grpc.stream_unary_rpc_method_handler(lambda requests, context: b",".join(requests)),
        "Chat": grpc.stream_stream_rpc_method_handler(lambda requests, context: (b"re:" + r for r in requests)),
    }

    def service(self, details):
        return self.METHODS.get(details.method.removeprefix("/shop.Echo/"))


def serve(port):
    server = grpc.server(futures.ThreadPoolExecutor(16))
    server.add_generic_rpc_handlers((Echo(),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()


def call(address):
    channel = grpc.insecure_channel(address)

    def tell(name, what):
        try:
            print(name, what(), flush=True)
        except grpc.RpcError as error:
            # Client and gateway watch over the deadline both: either may be the first to say so.
            print(name, error.code().name, *([] if name == "deadline" else [error.details()]), flush=True)

    def method(name, service="shop.Echo"):
        return channel.unary_unary(f"/{service}/{name}")

    def with_trailers():
        answer, done = method("Unary").with_call(b"hi", timeout=10)
        return answer, dict(done.trailing_metadata()).get("x-trail")

    def pausing():
        for i in range(3):
            yield b"%d" % i
            time.sleep(0.05)

    tell("unary", with_trailers)
    tell("fail", lambda: method("Fail")(b"x", timeout=10))
    tell("unknown", lambda: method("Nothing")(b"x", timeout=10))
    tell("deadline", lambda: method("Slow")(b"x", timeout=0.5))
    tell("many", lambda: list(channel.unary_stream("/shop.Echo/Many")(b"a", timeout=10)))
    tell("sum", lambda: channel.stream_unary("/shop.Echo/Sum")(iter([b"a", b"b", b"c"]), timeout=10))
    tell("chat", lambda: list(channel.stream_stream("/shop.Echo/Chat")(pausing(), timeout=10)))
    tell("large", lambda: len(method("Unary")(b"x" * 3_000_000, timeout=20)))
    tell("no-route", lambda: method("X", "other.Service")(b"x", timeout=10))
    tell("no-service", lambda: method("X", "gone.Service")(b"x", timeout=10))
    with futures.ThreadPoolExecutor(8) as pool:
        tell("hundreds", lambda: sum(len(r) for r in pool.map(lambda i: method("Unary")(b"12345", timeout=20), range(400))))


if __name__ == "__main__":
    serve(int(sys.argv[2])) if sys.argv[1] == "serve" else call(sys.argv[2])
