"""The rule language: parse, check, plan, compile, trace and explain."""

from trustward.policy.compiled import Policy, TypeProgram, load_policy
from trustward.policy.explain import explain_rule, policy_summary, rule_reads
from trustward.policy.rules import Rule
from trustward.policy.source import Source

__all__ = ["Policy", "Rule", "Source", "TypeProgram", "explain_rule", "load_policy", "policy_summary", "rule_reads"]
