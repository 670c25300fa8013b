"""The wire formats of AWS Lambda's events and responses, each in one file and both directions.

A gateway builds events and decodes responses, an adapter decodes events and
builds responses; both use the same file, so they cannot drift apart. Everything
here is pure: values in, values out. What comes from outside is checked at the
key where it is read, and what is wrong with it is said by `errors.EventError`.
"""
