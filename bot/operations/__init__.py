"""What an operator watches: readiness, hardening."""
