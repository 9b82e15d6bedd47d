import CMemory
import NIOPosix

#if canImport(Glibc)
  import Glibc
#endif

/// When the C library is asked to give back what it keeps of freed memory.
struct MemoryReturn: Sendable {
  /// How often the size is looked at.
  var interval: Duration = .seconds(60)
  /// Resident octets below which nothing is worth asking for.
  var floor = 192 << 20
  /// Looks after which it is asked again, although nothing has grown: what was in use then may be free now.
  var patience = 5
  private var sizeBefore = 0
  private var looks = 0

  /// Notes the resident size now.
  ///
  /// - Returns: whether to ask: at once after it grew by a quarter, else now and then.
  mutating func isDue(resident: Int) -> Bool {
    guard resident > floor else {
      (sizeBefore, looks) = (0, 0)
      return false
    }
    looks += 1
    guard resident > sizeBefore + sizeBefore / 4 || looks >= patience else { return false }
    looks = 0
    return true
  }

  /// Notes what is left.
  mutating func wasAsked(resident: Int) { sizeBefore = resident }

  /// Octets of the process in memory; `nil` where the system does not tell.
  static func residentSize() -> Int? {
    var text = [UInt8](repeating: 0, count: 128)
    let descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let count = read(descriptor, &text, text.count)
    guard count > 0 else { return nil }
    let fields = String(decoding: text.prefix(count), as: UTF8.self).split(separator: " ")
    guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }
}

extension RunningHost {
  /// Sees to it that a rush, or somebody's attack, does not leave the process large for ever.
  ///
  /// The C library keeps freed memory below what is in use for the next time, in each thread's arena.
  func giveMemoryBack() async {
    await cancelWhenGracefulShutdown {
      var plan = MemoryReturn()
      while !Task.isCancelled {
        do { try await self.time.sleep(for: plan.interval) } catch { return }
        guard let before = MemoryReturn.residentSize(), plan.isDue(resident: before) else { continue }
        _ = try? await NIOThreadPool.singleton.runIfActive { cmemory_trim() }
        let after = MemoryReturn.residentSize() ?? before
        plan.wasAsked(resident: after)
        self.log.debug("memory given back", metadata: ["before": "\(before >> 20) MiB", "after": "\(after >> 20) MiB"])
      }
    }
  }
}
