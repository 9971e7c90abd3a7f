"""Journeys through the approvals, with a twist, judged by an oracle that keeps its own facts.

A journey is a list of steps: somebody asks, people agree, a worker claims. Hypothesis puts twists
between them and mixes two journeys. Each step is played on the real functions and on the oracle.
"""
