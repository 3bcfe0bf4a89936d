"""What day33 promises about damage, tried out: kills, full disks, hostile files, odd calls, threads, forks and leaks.

    PYTHONPATH=tests python -m torture all --short        # two minutes, as in CI
    PYTHONPATH=tests python -m torture kills --seed 4711  # one part, from the seed that was printed

`nox -s torture` runs it. The results of a long run stand in docs/reliability.md.
"""
