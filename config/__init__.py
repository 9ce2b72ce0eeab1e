"""What the process is told and what it holds open.

Belongs here: settings, limits, the clock, tasks, logs, telemetry, Postgres and its migrations, ids.
Admission rule: used by two or more upper packages, and no domain noun in its name.
Imports nothing of ours.
"""
