import Foundation
import MailStore
import Testing
import WireTesting

@testable import IMAPServer

/// Several clients change one mailbox at random; none may ever be told what does not fit.
@Suite struct StressTests {
  private static let rounds = Int(ProcessInfo.processInfo.environment["MARTINET_IMAP_STRESS"] ?? "") ?? 60
  private static let seed = UInt64(ProcessInfo.processInfo.environment["MARTINET_IMAP_SEED"] ?? "") ?? 7

  @Test func severalSessionsAgree() async throws {
    let host = try await IMAPHost.start()
    let setup = try await host.fresh()
    try await setup.ok("CREATE other")
    for _ in 0..<10 { try await setup.append(rfcMessage) }
    let gathering = Gathering(count: 6)
    let complaints = await withTaskGroup(of: [String].self) { group in
      for number in 0..<5 {
        group.addTask { await Self.wander(host, number, gathering) }
      }
      group.addTask { await Self.meddle(host, gathering) }
      return await group.reduce(into: [String]()) { $0 += $1 }
    }
    #expect(complaints.isEmpty, "seed \(Self.seed): \(complaints.prefix(3).joined(separator: "\n\n"))")
    let files = try Self.flagsOfFiles(host)
    let told = ModelClient(try await host.login(), name: "last")
    try await told.select("work")
    try await told.run("FETCH 1:* (UID FLAGS)")
    let flags = told.messages.map { ($0.flags ?? []).filter { $0.hasPrefix("\\") }.sorted().joined(separator: " ") }
    #expect(flags.sorted() == files, "seed \(Self.seed)")
    await host.stop()
  }

  /// The system flags of every message as the file names tell them.
  private static func flagsOfFiles(_ host: IMAPHost) throws -> [String] {
    let letters: [Character: String] = [
      "S": "\\Seen", "R": "\\Answered", "F": "\\Flagged", "T": "\\Deleted", "D": "\\Draft",
    ]
    let folder = "\(host.folder)/mail/\(IMAPHost.domain)/alice/Maildir/.work"
    let names = try ["cur", "new"].flatMap { try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\($0)") }
    return names.map { name in
      (name.components(separatedBy: ":2,").dropFirst().first ?? "").compactMap { letters[$0] }.sorted().joined(
        separator: " ")
    }.sorted()
  }

  /// Deliveries, and another Maildir program that sets flags and takes messages away.
  private static func meddle(_ host: IMAPHost, _ gathering: Gathering) async -> [String] {
    var random = SeededRandom(seed: seed &+ 99)
    let folder = "\(host.folder)/mail/\(IMAPHost.domain)/alice/Maildir/.work"
    var complaints: [String] = []
    for _ in 0..<rounds / 2 {
      do {
        let files = try FileManager.default.contentsOfDirectory(atPath: folder + "/cur").sorted()
        switch Int.random(in: 0..<4, using: &random) {
        case 0, 1:
          _ = try await host.store.deliver(
            .bytes(Array(rfcMessage.utf8)), to: host.mail("alice"), folder: try MailboxName("work"))
        case 2:
          guard let name = files.randomElement(using: &random), let base = name.components(separatedBy: ":2,").first
          else { continue }
          // Somebody else may have been quicker: then there is nothing to rename.
          _ = rename("\(folder)/cur/\(name)", "\(folder)/cur/\(base):2,FS")
        default:
          guard let name = files.randomElement(using: &random) else { continue }
          _ = unlink("\(folder)/cur/\(name)")
        }
      } catch {
        complaints.append("deliveries: \(error)")
      }
      await Task.yield()
    }
    await gathering.arrive()
    return complaints
  }

  private static func wander(_ host: IMAPHost, _ number: Int, _ gathering: Gathering) async -> [String] {
    do {
      let model = ModelClient(try await host.login(), name: "client \(number)")
      var failure: String?
      do {
        // One client follows MODSEQs, the others are plain.
        if number == 1 { try await model.run("ENABLE CONDSTORE") }
        try await model.select("work")
        var random = SeededRandom(seed: UInt64(number) &+ seed)
        for _ in 0..<rounds { try await step(model, &random) }
      } catch {
        failure = "client \(number): \(error)"
      }
      // From here on nobody changes anything: what each knows must be what is there.
      await gathering.arrive()
      if let failure { return [failure] }
      try await model.run("NOOP")
      let told = model.messages
      try await model.run("FETCH 1:* (UID FLAGS)")
      let fresh = ModelClient(try await host.login(), name: "fresh \(number)")
      try await fresh.select("work")
      try await fresh.run("FETCH 1:* (UID FLAGS)")
      var complaints = model.contradictions + fresh.contradictions
      if model.messages != fresh.messages { complaints.append("client \(number) has another view") }
      for (known, real) in zip(told, fresh.messages) where known.flags != nil && known.flags != real.flags {
        complaints.append("client \(number) was never told that \(known) is \(real)")
      }
      return complaints
    } catch {
      return ["client \(number): \(error)"]
    }
  }

  private static func step(_ model: ModelClient, _ random: inout SeededRandom) async throws {
    let count = model.messages.count
    let some = count == 0 ? "1:*" : "\(Int.random(in: 1...count, using: &random))"
    let range =
      count == 0 ? "1:*" : "\(Int.random(in: 1...count, using: &random)):\(Int.random(in: 1...count, using: &random))"
    let flag = ["\\Seen", "\\Flagged", "\\Answered", "$Work", "\\Draft"].randomElement(using: &random) ?? "\\Seen"
    switch Int.random(in: 0..<16, using: &random) {
    case 0, 1:
      try await model.run("APPEND work (\(flag)) {\(rfcMessage.utf8.count)+}\r\n\(rfcMessage)")
    case 2: try await model.run("STORE \(range) +FLAGS (\(flag))")
    case 3: try await model.run("STORE \(range) -FLAGS (\(flag))")
    case 4: try await model.run("STORE \(some) +FLAGS.SILENT (\\Deleted)")
    case 5: try await model.run("EXPUNGE")
    case 6: try await model.run("NOOP")
    case 7: try await model.run("FETCH \(range) (UID FLAGS)")
    case 8: try await model.run("FETCH \(some) (UID BODY[HEADER])")
    case 9: try await model.run("SEARCH \(flag == "\\Seen" ? "SEEN" : "UNDELETED") SUBJECT meeting")
    case 10: try await model.run("UID FETCH 1:* (FLAGS)")
    case 11: try await model.run("COPY \(some) other")
    case 12: try await model.run("UID SEARCH FLAGGED")
    case 13: try await model.run("MOVE \(some) other")
    case 14: try await model.run("UID STORE 1:* +FLAGS.SILENT (\(flag))")
    default: try await model.run("CHECK")
    }
  }
}

/// Lets tasks wait until all of them have come.
actor Gathering {
  private var missing: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(count: Int) { missing = count }

  func arrive() async {
    missing -= 1
    guard missing > 0 else {
      for continuation in waiting { continuation.resume() }
      return waiting = []
    }
    await withCheckedContinuation { waiting.append($0) }
  }
}

/// The same numbers every time (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}
