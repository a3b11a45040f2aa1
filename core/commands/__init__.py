"""core/commands"""
