"""Prints how many ONNX node tests passed, and why the others did not run."""

from collections import Counter


def pytest_terminal_summary(terminalreporter):
    """Print a line for each operator."""
    counts, reasons = Counter(), {}
    for outcome in ("passed", "skipped", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            operator = dict(getattr(report, "user_properties", ())).get("onnx operator")
            if operator is None or report.when != "call":
                continue
            counts[operator, outcome] += 1
            if outcome == "skipped":
                why = report.longrepr[2].removeprefix("Skipped: ")
                reasons.setdefault(operator, Counter())[why] += 1
    if not counts:
        return
    terminalreporter.section("ONNX node tests")
    for operator in sorted({operator for operator, _ in counts}):
        passed, skipped, failed = (counts[operator, o] for o in ("passed", "skipped", "failed"))
        why = "; ".join(f"{n} {why}" for why, n in reasons.get(operator, {}).items())
        line = f"{operator:26} {passed:4} passed {skipped:4} skipped  {why}"
        terminalreporter.write_line(line + (f"  {failed} FAILED" if failed else ""))
    total = Counter()
    for (_, outcome), count in counts.items():
        total[outcome] += count
    passed, skipped, failed = (total[outcome] for outcome in ("passed", "skipped", "failed"))
    terminalreporter.write_line(
        f"{'all':26} {passed:4} passed {skipped:4} skipped {failed:4} failed"
    )
