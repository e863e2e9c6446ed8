"""Tests of the files of events and runs."""
