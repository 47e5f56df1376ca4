"""The stage that finds objects in whole scenes, window by window."""
