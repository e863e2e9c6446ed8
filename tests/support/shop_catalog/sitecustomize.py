"""Adds this folder to the catalogue of connectors of every process that has it in PYTHONPATH."""

from pathlib import Path

from relay.connectors import catalog

catalog.__path__.append(str(Path(__file__).parent / "connectors"))
