"""What one account does where nothing is documented: asked of it with at most 40 calls that only read."""

from freshsales_source.probe.report import Finding, ProbeReport, probe

__all__ = ["Finding", "ProbeReport", "probe"]
