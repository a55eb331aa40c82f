//! Files for the jobs: made once, the same everywhere, kept in the folder for temporary files.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};

/// A generator of numbers: splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Gives a file of this name; if it is not there, it is written first.
fn file(name: &str, write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Result<PathBuf> {
    let folder = std::env::temp_dir().join("cutthrough-peers");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join(name);
    if !path.exists() {
        let unfinished = folder.join(format!("{name}.part"));
        let mut out = BufWriter::new(File::create(&unfinished)?);
        write(&mut out)?;
        out.into_inner()?.sync_all()?;
        fs::rename(unfinished, &path)?;
    }
    Ok(path)
}

/// Rows of the one billion row challenge, `name;-12.3`, of so many stations with names of 3 to 26
/// bytes.
pub(super) fn stations(rows: u64, stations: u64) -> Result<PathBuf> {
    file(&format!("stations-{stations}-{rows}.txt"), |out| {
        let mut random = Random(stations);
        let names: Vec<String> = (0..stations)
            .map(|number| {
                let letters = (0..random.below(20)).map(|_| char::from(b'a' + random.below(26) as u8));
                let letters: String = letters.collect();
                format!("{letters}{number:03}")
            })
            .collect();
        for _ in 0..rows {
            let name = &names[random.below(stations) as usize];
            let tenths = random.below(1_999) as i64 - 999;
            let sign = if tenths < 0 { "-" } else { "" };
            writeln!(out, "{name};{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10)?;
        }
        Ok(())
    })
}

/// Rows of an access log in the common form.
pub(super) fn access_log(rows: u64) -> Result<PathBuf> {
    const STATUSES: [u64; 12] = [200, 200, 200, 200, 200, 200, 200, 301, 404, 404, 500, 502];
    file(&format!("access-{rows}.log"), |out| {
        let mut random = Random(7);
        for row in 0..rows {
            let ip = random.next();
            let status = STATUSES[random.below(12) as usize];
            writeln!(
                out,
                "{}.{}.{}.{} - - [21/Nov/2026:{:02}:{:02}:{:02} +0000] \"GET /api/v{}/items/{} HTTP/1.1\" {status} {} \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"",
                ip & 255,
                ip >> 8 & 255,
                ip >> 16 & 255,
                ip >> 24 & 255,
                row / 3_600_000 % 24,
                row / 60_000 % 60,
                row / 1_000 % 60,
                random.below(3) + 1,
                random.below(300),
                random.below(60_000),
            )?;
        }
        Ok(())
    })
}

/// What happened in a service, in JSON, some 200 bytes each; a sixth are errors of the server.
pub(super) fn json(rows: u64) -> Result<PathBuf> {
    const SERVICES: [&str; 8] = [
        "cart", "checkout", "search", "users", "payments", "mail", "stock", "prices",
    ];
    const STATUSES: [u64; 12] = [200, 200, 200, 200, 200, 200, 200, 301, 404, 404, 500, 503];
    file(&format!("events-{rows}.json"), |out| {
        let mut random = Random(11);
        for row in 0..rows {
            writeln!(
                out,
                "{{\"time\":\"2026-11-21T{:02}:{:02}:{:02}.{:03}Z\",\"level\":\"info\",\"service\":\"{}\",\"request\":\"{:016x}\",\"method\":\"GET\",\"path\":\"/api/v1/items/{}\",\"status\":{},\"ms\":{}.{},\"user\":{{\"id\":{},\"plan\":\"pro\"}}}}",
                row / 3_600_000 % 24,
                row / 60_000 % 60,
                row / 1_000 % 60,
                row % 1_000,
                SERVICES[random.below(8) as usize],
                random.next(),
                random.below(300),
                STATUSES[random.below(12) as usize],
                random.below(2_000),
                random.below(10),
                random.below(1_000_000),
            )?;
        }
        Ok(())
    })
}

/// Orders with a header, and amounts of which nearly all differ.
pub(super) fn orders(rows: u64) -> Result<PathBuf> {
    file(&format!("orders-{rows}.csv"), |out| {
        let mut random = Random(13);
        writeln!(out, "id,customer,item,count,amount")?;
        for row in 0..rows {
            let (customer, item) = (random.below(100_000), random.below(5_000));
            let amount = random.below(1 << 40);
            writeln!(
                out,
                "{row},customer {customer},item-{item},{},{}.{:02}5",
                random.below(9) + 1,
                amount / 100,
                amount % 100
            )?;
        }
        Ok(())
    })
}

/// Lines of 8 to 40 bytes; each comes about twice.
pub(super) fn texts(rows: u64) -> Result<PathBuf> {
    file(&format!("texts-{rows}.txt"), |out| {
        let mut random = Random(17);
        for _ in 0..rows {
            let number = random.below(rows / 2);
            let mut letters = Random(number);
            let length = letters.below(33);
            let letters = (0..length).map(|_| char::from(b'a' + letters.below(26) as u8));
            writeln!(out, "{number:08}{}", letters.collect::<String>())?;
        }
        Ok(())
    })
}
