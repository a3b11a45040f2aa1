"""People in a video: MediaPipe's poses, joined into tracks, sides put right, kept for the next time."""
