"""Google Kubernetes Engine: what a cluster for a kiosk is made of, and what it leaves behind."""
