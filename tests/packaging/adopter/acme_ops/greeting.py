from tasks.authoring import TaskRun, task


@task(name="Greet", category="Tests", owner="Acme", grants={"Greeters": "execute"})
def greet(run: TaskRun, name: str) -> dict[str, str]:
    """Greets somebody, as the first task of an installation."""
    run.log("Begun")
    return {"Greeting": f"Hello, {name}"}
