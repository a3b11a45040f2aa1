"""core/solving"""
