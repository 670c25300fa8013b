"""Timers: EventBridge's rules on a schedule, and EventBridge Scheduler."""
