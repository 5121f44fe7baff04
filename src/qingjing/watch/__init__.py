"""Notices: statistics over arrays, pure: early warning, detectors, sampling bounds."""
