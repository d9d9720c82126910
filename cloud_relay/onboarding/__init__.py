"""Real-name onboarding: an application with documents, an operator's verdict, and how long it holds."""
