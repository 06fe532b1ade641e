"""The cluster's resources as this process knows them: watched, listed, and kept in little memory."""
