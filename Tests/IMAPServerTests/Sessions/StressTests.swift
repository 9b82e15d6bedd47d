import Foundation
import MailStore
import Testing
import WireTesting

@testable import IMAPServer

/// Several clients change two mailboxes at random; none may ever be told what does not fit.
@Suite struct StressTests {
  private static let rounds = Int(ProcessInfo.processInfo.environment["MARTINET_IMAP_STRESS"] ?? "") ?? 60
  private static let seed = UInt64(ProcessInfo.processInfo.environment["MARTINET_IMAP_SEED"] ?? "") ?? 7

  @Test func severalSessionsAgree() async throws {
    let host = try await IMAPHost.start()
    let setup = try await host.fresh()
    try await setup.ok("CREATE other")
    for _ in 0..<10 { try await setup.append(rfcMessage) }
    let gathering = Gathering(count: 8)
    let ledger = StressLedger()
    let complaints = await withTaskGroup(of: [String].self) { group in
      for number in 0..<6 {
        group.addTask {
          await StressClient.wander(host, number, gathering, ledger, rounds: Self.rounds, seed: Self.seed)
        }
      }
      for (number, folder) in ["work", "other"].enumerated() {
        group.addTask { await Self.meddle(host, folder, seed: Self.seed &+ 99 &+ UInt64(number), gathering) }
      }
      return await group.reduce(into: [String]()) { $0 += $1 }
    }
    #expect(complaints.isEmpty, "seed \(Self.seed): \(complaints.prefix(3).joined(separator: "\n\n"))")
    for folder in ["work", "other"] {
      let files = try Self.flagsOfFiles(host, folder)
      let told = ModelClient(try await host.login(), name: "last")
      try await told.select(folder)
      try await told.run("FETCH 1:* (UID FLAGS)")
      let flags = told.messages.map { ($0.flags ?? []).filter { $0.hasPrefix("\\") }.sorted().joined(separator: " ") }
      #expect(flags.sorted() == files, "\(folder), seed \(Self.seed)")
    }
    await host.stop()
  }

  private static func path(_ host: IMAPHost, _ folder: String) -> String {
    "\(host.folder)/mail/\(IMAPHost.domain)/alice/Maildir/.\(folder)"
  }

  /// The system flags of every message as the file names tell them.
  private static func flagsOfFiles(_ host: IMAPHost, _ folder: String) throws -> [String] {
    let letters: [Character: String] = [
      "S": "\\Seen", "R": "\\Answered", "F": "\\Flagged", "T": "\\Deleted", "D": "\\Draft",
    ]
    let path = path(host, folder)
    let names = try ["cur", "new"].flatMap { try FileManager.default.contentsOfDirectory(atPath: "\(path)/\($0)") }
    return names.map { name in
      (name.components(separatedBy: ":2,").dropFirst().first ?? "").compactMap { letters[$0] }.sorted().joined(
        separator: " ")
    }.sorted()
  }

  /// Deliveries, POP3's deletions, and another Maildir program that brings mail, sets flags and takes messages away.
  private static func meddle(
    _ host: IMAPHost, _ folder: String, seed: UInt64, _ gathering: Gathering
  ) async -> [String] {
    var random = SeededRandom(seed: seed)
    let path = path(host, folder)
    var complaints: [String] = []
    for round in 0..<rounds / 2 {
      do {
        let files = try FileManager.default.contentsOfDirectory(atPath: path + "/cur").sorted()
        let chosen = files.randomElement(using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0, 1:
          _ = try await host.store.deliver(
            .bytes(Array(rfcMessage.utf8)), to: host.mail("alice"), folder: try MailboxName(folder))
        case 2:
          // Somebody else may have been quicker: then there is nothing to rename.
          guard let chosen, let base = chosen.components(separatedBy: ":2,").first else { continue }
          _ = rename("\(path)/cur/\(chosen)", "\(path)/cur/\(base):2,FS")
        case 3:
          guard let chosen else { continue }
          _ = unlink("\(path)/cur/\(chosen)")
        case 4:
          let name = "17\(seed).M\(round)P1.elsewhere"
          try Data(rfcMessage.utf8).write(to: URL(fileURLWithPath: "\(path)/tmp/\(name)"))
          _ = rename("\(path)/tmp/\(name)", "\(path)/new/\(name)")
        case 5:
          // What a mail reader does when it looks into the folder.
          for name in try FileManager.default.contentsOfDirectory(atPath: path + "/new") {
            _ = rename("\(path)/new/\(name)", "\(path)/cur/\(name):2,")
          }
        default:
          let mailbox = try await host.store.mailbox(host.mail("alice"), name: try MailboxName(folder))
          guard let message = try await mailbox.snapshot().messages.randomElement(using: &random) else { continue }
          _ = try await mailbox.remove([message.uid])
        }
      } catch {
        complaints.append("deliveries: \(error)")
      }
      await Task.yield()
    }
    await gathering.arrive()
    return complaints
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
