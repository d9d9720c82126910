"""The door for shop boxes: enrolment, renewal and pictures, over TLS under the relay's own CA."""
