"""Investment-attraction CRM."""
