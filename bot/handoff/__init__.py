"""What it means for the mission, decided purely: level, case, alert, duty."""
