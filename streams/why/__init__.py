"""Why a video is shown, or is not."""
