"""Measurements that print figures; nothing here passes or fails by a clock."""
