"""The same network behind other servers, each as its own documentation would have it.

Every file here runs in an environment of its own, which holds the peer, NumPy and OpenVINO and
nothing of Cytomill. All of them compute in OpenVINO with the same number of threads, so what is
compared is the server around it.
"""
