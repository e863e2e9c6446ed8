"""Reads bodies of requests and answers: charsets, encodings, forms, XML and JSON, within limits."""
