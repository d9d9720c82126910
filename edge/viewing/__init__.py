"""Live viewing: capture, one encoder per camera, fan-out to browsers, steering, the line at each camera."""
