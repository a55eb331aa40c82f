//! Has another network go on from a checkpoint.

use std::collections::BTreeMap;

use cutthrough::{Error, Network, PointId, Port, ProcessId};

use crate::run::Runner;

impl Runner<'_> {
    /// Saves the network, wires another one the same way, and has that go on.
    ///
    /// # Errors
    /// When the network cannot be saved. It is as it was then.
    pub(crate) fn restore(&mut self) -> Result<(), Error> {
        let image = self.network.checkpoint()?;
        let mut other = Network::new(self.engine.options(self.quantum_steps));
        other.set_time(self.now);
        let (processes, points) = self.wire_anew(&mut other)?;
        other.restore(&image)?;
        self.network = other;
        (self.processes, self.points) = (processes, points);
        Ok(())
    }

    /// Adds what is in the network to another one, in the same order.
    fn wire_anew(&mut self, other: &mut Network) -> Result<(Processes, Points), Error> {
        let report = self.network.report();
        let mut processes = Processes::new();
        for process in &report.processes {
            let number = number_of(&self.processes, &process.id);
            let number = number.expect("a process that is being removed is not saved");
            let id = other.add_boxed(self.build(number))?;
            processes.insert(number, id);
        }
        let mut points = Points::new();
        for point in &report.points {
            let number = number_of(&self.points, &point.id).expect("all points are known");
            let element = self.network.element_of(point.id)?.clone();
            let id = other.add_point(&point.name, element)?;
            points.insert(number, id);
            other.hold_writers(id, point.holds_writers)?;
            other.hold_readers(id, point.holds_readers)?;
        }
        let number_of_process = |port: &Port| number_of(&self.processes, &port.process);
        for point in &report.points {
            let to = points[&number_of(&self.points, &point.id).expect("all points are known")];
            for (port, _) in &point.writers {
                let process = number_of_process(port).expect("all processes are known");
                other.attach_output(processes[&process], port.port, to)?;
            }
            for (port, _) in &point.readers {
                let process = number_of_process(port).expect("all processes are known");
                other.attach_input(processes[&process], port.port, to)?;
            }
        }
        Ok((processes, points))
    }
}

/// The processes and the flow points of a network, by their numbers in the plan.
type Processes = BTreeMap<usize, ProcessId>;
type Points = BTreeMap<usize, PointId>;

fn number_of<T: PartialEq>(all: &BTreeMap<usize, T>, id: &T) -> Option<usize> {
    let found = all.iter().find(|(_, known)| *known == id);
    found.map(|(&number, _)| number)
}
