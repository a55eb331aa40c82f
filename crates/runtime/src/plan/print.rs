//! A plan as text, for people.

use std::fmt;

use super::{Begin, Check, From, Member, MemberPort, Plan, To};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = &self.members[0].name;
        match self.begin {
            Begin::Give => writeln!(f, "give {root}{}", self.list(" when ", &self.before))?,
            Begin::Delivery(input) => {
                writeln!(
                    f,
                    "deliver to {root}.{input}{}",
                    self.list(" when ", &self.before)
                )?;
            }
        }
        for (number, member) in self.members.iter().enumerate() {
            self.member_lines(f, number, member)?;
        }
        Ok(())
    }
}

impl Plan {
    fn member_lines(&self, f: &mut fmt::Formatter<'_>, number: usize, member: &Member) -> fmt::Result {
        let name = &member.name;
        for (k, input) in member.inputs.iter().enumerate() {
            match input.from {
                From::Unused => {}
                From::Pull(writer) => writeln!(f, "  pull {name}.{k} from {}", self.port(writer))?,
                From::Nobody => writeln!(f, "  pull {name}.{k} from nobody")?,
                From::Ended => writeln!(f, "  pull {name}.{k}: it has ended")?,
            }
        }
        for (k, output) in member.outputs.iter().enumerate() {
            match output.to {
                To::Unused => {}
                To::Push(reader) => writeln!(f, "  push {name}.{k} to {}", self.port(reader))?,
                To::Block(block) => writeln!(f, "  deal {name}.{k} by block {block}")?,
                To::Lost => writeln!(f, "  lose {name}.{k}")?,
            }
            if let Some(checks) = &output.is_ready {
                writeln!(f, "  {name}.{k} is ready{}", self.list(" when ", checks))?;
            }
        }
        match &member.before_giving {
            Some(checks) if number > 0 => writeln!(f, "  give {name}{}", self.list(" when ", checks)),
            _ => Ok(()),
        }
    }

    fn port(&self, port: MemberPort) -> String {
        format!("{}.{}", self.member(port.member).name, port.port)
    }

    fn list(&self, lead: &str, checks: &[Check]) -> String {
        let checks = checks.iter().map(|check| match *check {
            Check::Nobody => "somebody reads".to_owned(),
            Check::Idle(member) => format!("{} is idle", self.member(member).name),
            Check::Ask { reader, need } => format!("{} asks for {need}", self.port(reader)),
            Check::Room { block, need } => format!("block {block} has room for {need}"),
        });
        let checks: Vec<String> = checks.collect();
        if checks.is_empty() {
            String::new()
        } else {
            format!("{lead}{}", checks.join(", "))
        }
    }
}
