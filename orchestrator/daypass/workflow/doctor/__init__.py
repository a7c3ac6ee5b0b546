"""What can be wrong with a machine that runs Daypass, and how to mend it: pure judgements over facts.

`wiring.examining` reads the facts, one function each.
"""

from daypass.workflow.doctor.findings import Check, Finding, Grade, problem_findings, worst

__all__ = ["Check", "Finding", "Grade", "problem_findings", "worst"]
