// The worker, with the packages as a bundler finds them.

import { modulesFor } from "./packages.js";
import { serve } from "./serving.js";

serve(modulesFor);
