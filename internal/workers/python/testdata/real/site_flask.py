"""A Flask application."""

from flask import Flask, Response, request

application = Flask(__name__)


@application.route("/hello")
def hello():
    return "hello from Flask"


@application.route("/body", methods=["POST"])
def body():
    return request.get_data()


@application.route("/stream")
def stream():
    return Response((str(i) for i in range(3)), content_type="text/plain")
