"""A receiver of OTLP over HTTP that decodes what comes with OpenTelemetry's own message classes, strictly: an unknown field, a wrong
type or a bad id is refused with 400. Prints its address; GET / tells what came, as those classes read it."""
import base64
import gzip
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces

KINDS = {
    "/v1/traces": (traces.ExportTraceServiceRequest, traces.ExportTraceServiceResponse),
    "/v1/metrics": (metrics.ExportMetricsServiceRequest, metrics.ExportMetricsServiceResponse),
}
IDS = {"traceId": 16, "spanId": 8, "parentSpanId": 8}
seen = {"spans": [], "metrics": {}, "resources": [], "refused": []}


def with_bytes(value):
    """OTLP writes ids in hexadecimal where protobuf's JSON has base64."""
    if isinstance(value, list):
        return [with_bytes(each) for each in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for name, each in value.items():
        if name in IDS and each != "":
            raw = bytes.fromhex(each)
            if len(raw) != IDS[name]:
                raise ValueError(f"{name} has {len(raw)} bytes")
            each = base64.b64encode(raw).decode()
        result[name] = with_bytes(each)
    return result


def decode(kind, body, content_type):
    if content_type.startswith("application/json"):
        return json_format.ParseDict(with_bytes(json.loads(body)), kind())
    return kind.FromString(body)


def attributes(pairs):
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def keep(message):
    for of in getattr(message, "resource_spans", []):
        seen["resources"].append(attributes(of.resource.attributes))
        for span in (span for scope in of.scope_spans for span in scope.spans):
            seen["spans"].append(
                {
                    "name": span.name,
                    "trace": span.trace_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "kind": span.kind,
                    "ms": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6,
                    "attributes": attributes(span.attributes),
                }
            )
    for of in getattr(message, "resource_metrics", []):
        for metric in (metric for scope in of.scope_metrics for metric in scope.metrics):
            data = metric.WhichOneof("data")
            points = getattr(metric, data).data_points
            seen["metrics"][metric.name] = {
                "data": data,
                "points": [
                    {
                        "attributes": attributes(point.attributes),
                        "value": point.count if data == "histogram" else getattr(point, point.WhichOneof("value")),
                    }
                    for point in points
                ],
            }


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def body(self):
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers["content-length"]))
        body = b""
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return body

    def do_GET(self):
        self.answer(200, seen)

    def do_POST(self):
        body = self.body()
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        try:
            request, response = KINDS[self.path]
            keep(decode(request, body, self.headers["content-type"]))
        except Exception as error:
            seen["refused"].append(f"{self.path}: {error}")
            self.answer(400, {"message": str(error)})
            return
        self.answer(200, json_format.MessageToDict(response()))

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
