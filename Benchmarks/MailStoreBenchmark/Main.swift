import Basics
import Glibc
import Logging
import MailStore

/// Measures the mail store alone: `swift run -c release martinet-bench-store [directory]`.
///
/// Prints one figure a line, with the CPU time it took; everything is made below the directory and removed again.
@main enum MailStoreBenchmark {
  static func main() async throws {
    let base = CommandLine.arguments.dropFirst().first ?? "/tmp"
    let only = CommandLine.arguments.dropFirst(2).first
    let root = "\(base)/martinet-bench-store-\(getpid())"
    mkdir(root, 0o700)
    let bench = Bench(root: root)
    do { try await bench.run(only: only) } catch { report("failed: \(error)") }
    bench.removeAll()
  }
}

/// The measurements, over one directory.
struct Bench {
  let root: String
  let clock = ContinuousClock()

  func run(only: String?) async throws {
    if only == nil || only == "deliver" {
      for width in [1, 10, 50] { try await deliveries(width: width, count: width == 1 ? 500 : 3000) }
    }
    if only == nil || only == "append" {
      for width in [1, 10] { try await appends(width: width, count: width == 1 ? 500 : 3000) }
    }
    if only == nil || only == "select" {
      for count in [10_000, 100_000] { try await select(count) }
    }
    if only == nil || only == "small" { try await smallBoxes() }
    if only == nil || only == "fetch" { try await fetch(10_000) }
    if only == nil || only == "text" { try await text(10_000) }
    // Only when asked for: a million files.
    if only == "import" { try await importMany(1_000_000) }
  }

  func removeAll() {
    let pid = spawnRemoval(root)
    if pid > 0 { waitpid(pid, nil, 0) }
  }

  private func spawnRemoval(_ path: String) -> pid_t {
    var pid: pid_t = 0
    let words = ["rm", "-rf", path]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for word in arguments { free(word) } }
    return posix_spawnp(&pid, "rm", nil, nil, &arguments, nil) == 0 ? pid : -1
  }

  func store() throws -> MailStore {
    var log = Logger(label: "bench")
    log.logLevel = .error
    return try MailStore(settings: MailStoreSettings(hostname: "bench.test"), time: SystemTime(), log: log)
  }

  func account(_ number: Int) -> MailAccount {
    MailAccount(key: "user\(number)@example.test", directory: "\(root)/example.test/user\(number)")
  }

  func cpu() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }

  /// Times a body and prints one line; `count` makes it a rate.
  func measure(_ name: String, count: Int? = nil, _ body: () async throws -> Void) async rethrows {
    let (before, start) = (cpu(), clock.now)
    try await body()
    let (wall, used) = (start.duration(to: clock.now), cpu() - before)
    let seconds = Double(wall.components.seconds) + Double(wall.components.attoseconds) / 1e18
    func fixed(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
    if let count {
      report("\(name): \(Int(Double(count) / seconds)) /s, \(fixed(used / Double(count) * 1e6)) us CPU each")
    } else {
      report("\(name): \(fixed(seconds * 1000)) ms, \(fixed(used * 1000)) ms CPU")
    }
  }

  func message(_ number: Int, size: Int) -> [UInt8] {
    var text = """
      Return-Path: <sender\(number % 97)@sender.test>\r
      Received: from client.test (client.test [127.0.0.1]) by bench.test with ESMTP id \(number);\r
      \tSun, 22 Nov 2026 04:35:29 +0000\r
      From: "Sender \(number % 97)" <sender\(number % 97)@sender.test>\r
      To: "User" <user@example.test>\r
      Subject: Re: Report \(number) on the state of the post\r
      Date: Sun, 22 Nov 2026 04:35:29 +0000\r
      Message-ID: <\(number).bench@sender.test>\r
      References: <\(number - 1).bench@sender.test>\r
      MIME-Version: 1.0\r

      """
    if number % 3 == 0 {
      text +=
        "Content-Type: multipart/alternative; boundary=\"bnd\"\r\n\r\n--bnd\r\nContent-Type: text/plain\r\n\r\nPlain.\r\n"
        + "--bnd\r\nContent-Type: text/html\r\n\r\n"
      while text.utf8.count < size - 80 { text += "<p>The quick brown fox jumps over the lazy dog \(number).</p>\r\n" }
      text += "--bnd--\r\n"
    } else {
      text += "Content-Type: text/plain; charset=utf-8\r\n\r\n"
      while text.utf8.count < size - 60 { text += "The quick brown fox jumps over the lazy dog \(number).\r\n" }
    }
    return Array(text.utf8)
  }

  private func spread(_ width: Int, _ count: Int, _ body: @escaping @Sendable (Int) async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<width {
        group.addTask { for number in stride(from: worker, to: count, by: width) { try await body(number) } }
      }
      try await group.waitForAll()
    }
  }

  private func deliveries(width: Int, count: Int) async throws {
    let store = try store()
    for number in 0..<30 { try await store.create(account(number)) }
    let bytes = message(1, size: 4096)
    try await measure("deliver 4 KiB, \(width) at once", count: count) {
      try await spread(width, count) { _ = try await store.deliver(.bytes(bytes), to: account($0 % 30)) }
    }
    await store.close()
  }

  private func appends(width: Int, count: Int) async throws {
    let store = try store()
    var boxes: [Mailbox] = []
    for number in 0..<width { boxes.append(try await store.mailbox(account(100 + number), name: .inbox)) }
    let bytes = message(1, size: 4096)
    try await measure("append 4 KiB, \(width) at once", count: count) { [boxes] in
      try await spread(width, count) { _ = try await boxes[$0 % width].append([NewMessage(content: .bytes(bytes))]) }
    }
    await store.close()
  }

  func seed(_ account: MailAccount, count: Int, size: Int) {
    let maildir = account.directory + "/Maildir"
    for path in [
      "\(root)/example.test", account.directory, maildir, maildir + "/cur", maildir + "/new", maildir + "/tmp",
    ] {
      mkdir(path, 0o700)
    }
    for number in 0..<count {
      let bytes = message(number, size: size)
      let flags = number % 5 == 0 ? "" : "S"
      let path =
        "\(maildir)/cur/\(1_700_000_000 + number).M\(String(number + 1_000_000).dropFirst())P1.bench,S=\(bytes.count):2,\(flags)"
      let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
      _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      close(descriptor)
    }
    sync()
  }

  private func dropIndex(_ account: MailAccount) {
    for suffix in ["", "-wal", "-shm"] { unlink("\(account.directory)/index.db\(suffix)") }
  }

  private func select(_ count: Int) async throws {
    let account = account(count)
    seed(account, count: count, size: 700)
    for round in 0..<3 {
      dropIndex(account)
      let store = try store()
      try await measure("select \(count) cold, no index, round \(round)") {
        let snapshot = try await store.mailbox(account, name: .inbox).snapshot()
        guard snapshot.messages.count == count else { return report("wrong count \(snapshot.messages.count)") }
      }
      try await measure("select \(count) warm, 1000 times", count: 1000) {
        for _ in 0..<1000 { _ = try await store.mailbox(account, name: .inbox).snapshot() }
      }
      await store.close()
      let again = try self.store()
      try await measure("select \(count) after restart, with index, round \(round)") {
        _ = try await again.mailbox(account, name: .inbox).snapshot()
      }
      await again.close()
    }
  }

  private func smallBoxes() async throws {
    for number in 0..<10 { seed(account(2000 + number), count: 100, size: 20_000) }
    let store = try store()
    try await spread(10, 10) { _ = try await store.mailbox(account(2000 + $0), name: .inbox).snapshot() }
    try await measure("select of 100 messages, 10 at once", count: 20_000) {
      try await spread(10, 20_000) { _ = try await store.mailbox(account(2000 + $0 % 10), name: .inbox).snapshot() }
    }
    try await measure("read 100 x 20 KiB, 4 at once", count: 400 * 100) {
      try await spread(4, 400) { number in
        let mailbox = try await store.mailbox(account(2000 + number % 10), name: .inbox)
        for uid in UInt32(1)...100 { _ = try await mailbox.open(uid).bytes() }
      }
    }
    await store.close()
  }

  private func fetch(_ count: Int) async throws {
    let account = account(3000)
    seed(account, count: count, size: 4096)
    let store = try store()
    let mailbox = try await store.mailbox(account, name: .inbox)
    let uids = try await mailbox.snapshot().messages.map(\.uid)
    try await measure("index \(count) x 4 KiB, nothing known") { _ = try await mailbox.fetchIndex(uids) }
    for _ in 0..<3 {
      try await measure("index \(count) x 4 KiB, known") { _ = try await mailbox.fetchIndex(uids) }
    }
    try await measure("sort keys of \(count)") { _ = try await mailbox.keys(uids) }
    try await measure("search subject in \(count)") {
      _ = try await mailbox.search(.header(name: "Subject", text: "report 77"), among: uids)
    }
    try await measure("search text in \(count)") { _ = try await mailbox.search(.text("dog 4242."), among: uids) }
    try await measure("contents of \(count) x 4 KiB") {
      var rest = uids[...]
      while !rest.isEmpty {
        let part = try await mailbox.contents(Array(rest.prefix(2000)))
        rest = rest.dropFirst(max(1, part.count))
      }
    }
    try await measure("flag \(count) at once") {
      _ = try await mailbox.store(FlagChange(.add, flags: .flagged), uids: uids)
    }
    try await measure("flag one by one", count: 1000) {
      for uid in uids.prefix(1000) { _ = try await mailbox.store(FlagChange(.remove, flags: .flagged), uids: [uid]) }
    }
    try await measure("expunge half of \(count)") { _ = try await mailbox.remove(uids.filter { $0 % 2 == 0 }) }
    await store.close()
  }
}

/// Prints a line at once, also into a pipe.
func report(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = write(1, bytes, bytes.count)
}
