"""Why a video is, or is not, in a feed: asked of a running deployment, or of its log as of some batch."""
