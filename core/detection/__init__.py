"""core/detection"""
