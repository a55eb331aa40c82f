//! Another program for a network that runs.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, anyhow};
use cutthrough_control::client::find;
use cutthrough_control::message::{Request, Response, RewireRequest};
use cutthrough_control::{Client, Directory};

use super::{Failure, Name, Outcome, Patient, RewireArgs, connect, unexpected};
use crate::end::End;
use crate::program::Program;
use crate::terminal;

pub(super) fn rewire(args: &RewireArgs) -> Outcome {
    let program = match (&args.expression, &args.file) {
        _ if args.edit || args.undo => None,
        (Some(text), _) => Some(Program::Text(text.clone())),
        (None, Some(file)) => Some(Program::File(file.clone())),
        // The only word is the file: the only network is meant.
        (None, None) => Some(Program::File(args.network.name.clone().into())),
    };
    if let (None, None, Some(Program::File(file))) = (&args.expression, &args.file, &program)
        && !file.exists()
        && find(&Directory::of_user()?, &args.network.name).is_ok()
    {
        let message = format!(
            "error: `{}` runs; what is it to be changed to? give a FILE, -e, --edit or --undo\n",
            args.network.name
        );
        return Err(Failure::Wrong(message));
    }
    let is_file_alone = args.expression.is_none() && args.file.is_none() && program.is_some();
    let network = match is_file_alone {
        true => Name { name: String::new() },
        false => args.network.clone(),
    };
    if args.edit {
        return edit(args, connect(&network)?);
    }
    let (name, program) = match program {
        Some(program) => program
            .read()
            .map_err(|message| Failure::Wrong(format!("error: {message}\n")))?,
        None => (String::new(), String::new()),
    };
    request(args, connect(&network)?, name, program)
}

fn request(args: &RewireArgs, mut client: Client, name: String, program: String) -> Outcome {
    let request = Request::Rewire(RewireRequest {
        name,
        program,
        plan_only: args.plan,
        undo: args.undo,
    });
    let patient = Patient::new(&client, &args.wait, "the rewire is applied");
    let Response::Rewired(rewired) = patient.request(&mut client, &request)? else {
        return Err(unexpected());
    };
    if rewired.changes.is_empty() {
        terminal::say("nothing changes\n");
    }
    if rewired.applied == args.plan {
        return Err(anyhow!("the network has done something else than it was asked for").into());
    }
    let lines = rewired.changes.iter().map(|change| format!("{change}\n"));
    Ok(terminal::print(&lines.collect::<String>())?)
}

/// Has the user edit the program that runs. What cannot be changed to is left in the file.
fn edit(args: &RewireArgs, client: Client) -> Outcome {
    let welcome = client.welcome();
    let before = format!("{}\n", welcome.program.trim_end());
    let draft = Draft::of(&welcome.name, &before)?;
    let name = welcome.name.clone();
    // A client that asks nothing for long is closed.
    drop(client);
    let editor = ["VISUAL", "EDITOR"].into_iter().find_map(|name| {
        let editor = std::env::var(name).ok()?;
        (!editor.trim().is_empty()).then_some(editor)
    });
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    // An editor may come with options.
    let status = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "sh"])
        .arg(&draft.path)
        .status()
        .with_context(|| format!("cannot start the editor `{editor}`"))?;
    if !status.success() {
        draft.remove();
        return Err(anyhow!("the editor `{editor}` has failed ({status}); nothing was done").into());
    }
    let after = std::fs::read_to_string(&draft.path)
        .with_context(|| format!("cannot read {}", draft.path.display()))?;
    if after.trim_end() == before.trim_end() {
        draft.remove();
        terminal::say("nothing changes\n");
        return Ok(End::Done);
    }
    let client = connect(&Name { name })?;
    let path = draft.path.display();
    match request(args, client, path.to_string(), after) {
        Ok(end) => {
            draft.remove();
            Ok(end)
        }
        Err(Failure::Wrong(message)) => Err(Failure::Wrong(format!(
            "{message}what was written is in {path}\n"
        ))),
        Err(Failure::Failed(error)) => Err(Failure::Failed(anyhow!(
            "{error:#}; what was written is in {path}"
        ))),
    }
}

/// The file that a program is edited in.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn of(name: &str, text: &str) -> anyhow::Result<Draft> {
        use std::io::Write;
        let path = std::env::temp_dir().join(format!("cutthrough-{name}-{}.flow", std::process::id()));
        let mut file = std::fs::File::create_new(&path)
            .with_context(|| format!("cannot make {} to edit", path.display()))?;
        file.write_all(text.as_bytes())?;
        Ok(Draft { path })
    }

    fn remove(&self) {
        // It is in the folder for temporary files, and does no harm there.
        let _ = std::fs::remove_file(&self.path);
    }
}
