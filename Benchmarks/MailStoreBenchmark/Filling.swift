import Glibc
import MailStore

/// What lies behind deliveries: the text index, and imports that never end.
extension Bench {
  func text(_ count: Int) async throws {
    let account = account(4000)
    seed(account, count: count, size: 4096)
    let store = try store()
    let mailbox = try await store.mailbox(account, name: .inbox)
    let uids = try await mailbox.snapshot().messages.map(\.uid)
    try await measure("fill \(count) x 4 KiB: entries and text", count: count) {
      try await store.finishIndexing(account)
    }
    for path in ["index.db", "text.db"] {
      var facts = stat()
      if stat("\(account.directory)/\(path)", &facts) == 0 {
        report("\(path): \(Int(facts.st_size) / count) octets each")
      }
    }
    for (name, text) in [
      ("rare word", "dog 4242."), ("word of every message", "lazy dog"), ("two characters", "zy"),
      ("not there", "quetzal"),
    ] {
      for round in 0..<2 {
        try await measure("search text in \(count), \(name), round \(round)") {
          _ = try await mailbox.search(.text(text), among: uids)
        }
      }
    }
    try await measure("index \(count) x 4 KiB, filled in") { _ = try await mailbox.fetchIndex(uids) }
    try await measure("sort keys of \(count), filled in") { _ = try await mailbox.keys(uids) }
    await store.close()
  }

  /// Appends so many messages to one folder and says how memory grows; a view is about 110 octets a message.
  func importMany(_ count: Int) async throws {
    let account = account(5000)
    let store = try store()
    let mailbox = try await store.mailbox(account, name: .inbox)
    var done = 0
    while done < count {
      let next = min(count, done + count / 10)
      try await measure("import \(done)..<\(next) x 1 KiB", count: next - done) {
        for start in stride(from: done, to: next, by: 500) {
          let batch = (start..<min(next, start + 500)).map {
            NewMessage(content: .bytes(message($0, size: 1024)))
          }
          _ = try await mailbox.append(batch)
        }
      }
      done = next
      var usage = rusage()
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      report("peak memory after \(done): \(usage.ru_maxrss / 1024) MiB")
    }
    await store.close()
  }
}
