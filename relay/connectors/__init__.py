"""Describes the services that Relay calls as data, builds requests and judges answers, without Django or a database."""
