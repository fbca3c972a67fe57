/** How a model's requests are divided, as a whole. */
export interface ModelTrafficTable {
  model_id: number;
  revision: number;
  sticky_key: string | null;
  reason: string;
  updated_at: number;
  updated_by: string;
}

export interface ModelTrafficShareTable {
  model_id: number;
  version: number;
  role: 'live' | 'candidate' | 'shadow';
  weight: number;
}

export interface TrafficSchema {
  model_traffic: ModelTrafficTable;
  model_traffic_share: ModelTrafficShareTable;
}
